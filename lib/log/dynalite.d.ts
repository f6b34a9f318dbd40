declare module 'dynalite' {
  import type { Server } from 'node:http'

  interface Options {
    path?: string
    createTableMs?: number
    deleteTableMs?: number
    updateTableMs?: number
  }

  // biome-ignore lint/style/noDefaultExport: the package has one.
  export default function dynalite(options?: Options): Server
}
