import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A server that the suites in test/servers need and `npm test` does not install. */
export interface ServerKind {
  name: string
  command: string
  /** Environment variable that may name the executable. */
  variable: string
  install: string
}

export const VERSITYGW: ServerKind = {
  name: 'versitygw (S3)',
  command: 'versitygw',
  variable: 'VERSITYGW',
  install: '.ci/install-servers',
}

export const MINIO: ServerKind = {
  name: 'MinIO (S3)',
  command: 'minio',
  variable: 'MINIO',
  install: 'go install github.com/minio/minio@latest',
}

export const MOTO: ServerKind = {
  name: 'moto (DynamoDB)',
  command: 'moto_server',
  variable: 'MOTO_SERVER',
  install: '.ci/install-servers',
}

/** Where .ci/install-servers puts them: those are of the version that the project was tested with. */
const INSTALLED = fileURLToPath(new URL('../../.cache/servers/bin', import.meta.url))

/** The executable of a server: the one named in the environment, else ours, else one on the path or made by Go. */
export function findServer({ command, variable }: ServerKind): string | undefined {
  const named = process.env[variable]
  if (named !== undefined && named !== '') {
    if (!isExecutable(named)) throw new Error(`${variable}=${named} is no program that can be run`)
    return named
  }
  const folders = [INSTALLED, ...(process.env.PATH ?? '').split(delimiter), join(homedir(), 'go', 'bin')]
  return folders.map((folder) => join(folder, command)).find(isExecutable)
}

export function howToInstall({ name, variable, install }: ServerKind): string {
  return `${name} is missing: install it with \`${install}\`, or name it with ${variable}=/path`
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
