// How large a folder is, and its zip: what Lambda unpacks and what is uploaded.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { deflateRawSync } from 'node:zlib'
import { filesBelow } from './bundle.mjs'

/** Of the directory and the headers in a zip, per file, besides the name twice. */
const ZIP_OVERHEAD_BYTES = 76

/** Number of files, their bytes, and those of a zip of them. */
export async function bundleSize(folder) {
  let [bytes, zipped] = [0, 0]
  const files = await filesBelow(folder)
  for (const file of files) {
    const content = await readFile(join(folder, file))
    bytes += content.byteLength
    zipped += deflateRawSync(content).byteLength + ZIP_OVERHEAD_BYTES + 2 * file.length
  }
  return { files: files.length, bytes, zipped }
}
