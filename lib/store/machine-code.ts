import { createHash } from 'node:crypto'
import { access, constants, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { cachedDataVersionTag, setFlagsFromString } from 'node:v8'
import manifest from '../../package.json' with { type: 'json' }
import { threadEntry } from '../model/thread-entry.ts'

/**
 * The database as machine code. V8 compiles WebAssembly while it runs, and what is used much once more, better: a second and
 * a half of processor time in each process that starts, while its store waits. So what one process has got that way is kept,
 * and the next ones begin with it (`boreal prepare`, docs/adr/0032-kept-machine-code.md).
 *
 * Invariant: kept code is never needed. Where there is none, or it is not for this process, the database is compiled as usual.
 *
 * V8 can do it, as browsers keep the code of their pages; Node has no call for that. The functions that V8's own tests use are
 * hidden behind a flag, which is taken back at once.
 */

/** Beside the program, not in a cache: who could write here could change the program as well. */
const FOLDER = fileURLToPath(new URL('./machine-code', threadEntry('engine-thread')))

/** Other versions of Node and other flags have files of their own. */
const KEPT_FILES = 4

/** Of SHA-256, in front of the code: V8 would run a damaged file. */
const HASH_BYTES = 32

/** V8 optimizes what has run for so many bytes of WebAssembly, roughly: in Node 20, and in 24. */
const USUAL_BUDGETS = [1_800_000, 13_000_000]
const LITTLE_BUDGET = 50_000

let compiled: Promise<WebAssembly.Module> | undefined

/** The database, compiled once for all engines of the process. */
export function compileDatabase(): Promise<WebAssembly.Module> {
  compiled ??= compile()
  return compiled
}

async function compile(): Promise<WebAssembly.Module> {
  const wasm = await databaseFile()
  return (await keptDatabase(wasm)) ?? WebAssembly.compile(wasm)
}

function databaseFile(): Promise<Uint8Array<ArrayBuffer>> {
  return readFile(createRequire(import.meta.url).resolve('@electric-sql/pglite/pglite.wasm'))
}

/** The file for processes such as this one: V8's tag is another one for each version, set of flags and kind of processor. */
export function machineCodeFile(): string {
  const { platform, arch } = process
  const pglite = manifest.dependencies['@electric-sql/pglite']
  return join(FOLDER, `pglite-${pglite}-${platform}-${arch}-${cachedDataVersionTag().toString(16)}.bin`)
}

export async function isMachineCodeKept(): Promise<boolean> {
  return (await stat(machineCodeFile()).catch(() => undefined)) !== undefined
}

/** @throws Error when this process may not write beside the program */
export async function assertMachineCodeCanBeKept(): Promise<void> {
  await mkdir(FOLDER, { recursive: true })
  await access(FOLDER, constants.W_OK)
}

async function keptDatabase(wasm: Uint8Array): Promise<WebAssembly.Module | undefined> {
  const file = machineCodeFile()
  const kept = await readFile(file).catch(() => undefined)
  if (kept === undefined) return undefined
  const code = kept.subarray(HASH_BYTES)
  const module = hashOf(code).equals(kept.subarray(0, HASH_BYTES)) ? deserialized(code, wasm) : undefined
  // Or nobody would ever make another one.
  if (module === undefined) await rm(file, { force: true }).catch(() => undefined)
  return module
}

/**
 * Lets V8 optimize soon whatever is used from now on: for a process that is there to make code.
 *
 * @returns keeps what V8 has optimized by then for processes that were started as this one was. V8 ends the process when it has
 *   optimized nothing at all: not to be called where that would hurt
 * @throws Error when that cannot be done in this Node, or with its flags
 */
export function optimizeSoon(): () => Promise<{ file: string; bytes: number }> {
  const file = machineCodeFile()
  const budget = USUAL_BUDGETS.find((each) => {
    setBudget(each)
    return machineCodeFile() === file
  })
  const serialize = v8Function<ArrayBuffer>('%SerializeWasmModule(a)')
  if (budget === undefined || serialize === undefined) {
    throw new Error(`Node ${process.version} with these flags keeps none`)
  }
  setBudget(LITTLE_BUDGET)
  return async () => {
    const module = await compileDatabase()
    setBudget(budget)
    const code = new Uint8Array(serialize(module)!)
    if (deserialized(code, await databaseFile()) === undefined) throw new Error('V8 does not take its code back')
    await assertMachineCodeCanBeKept()
    const temporary = `${file}.${process.pid}`
    await writeFile(temporary, Buffer.concat([hashOf(code), code]), { mode: 0o644 })
    await rename(temporary, file)
    await forgetOldest()
    return { file, bytes: code.byteLength }
  }
}

function setBudget(bytes: number): void {
  setFlagsFromString(`--wasm-tiering-budget=${bytes}`)
}

async function forgetOldest(): Promise<void> {
  const names = await readdir(FOLDER)
  const files = await Promise.all(
    names.map(async (name) => ({ path: join(FOLDER, name), at: (await stat(join(FOLDER, name))).mtimeMs })),
  )
  files.sort((a, b) => b.at - a.at)
  await Promise.all(files.slice(KEPT_FILES).map(({ path }) => rm(path, { force: true })))
}

function deserialized(code: Uint8Array, wasm: Uint8Array): WebAssembly.Module | undefined {
  // A buffer of its own, from its first byte to its last.
  const { buffer } = new Uint8Array(code)
  return v8Function<WebAssembly.Module>('%DeserializeWasmModule(a, b)')?.(buffer, wasm)
}

/** A function of V8's; undefined where V8 has none with this name. */
function v8Function<Result>(call: string): ((a: unknown, b?: unknown) => Result | undefined) | undefined {
  setFlagsFromString('--allow-natives-syntax')
  try {
    return new Function('a', 'b', `return ${call}`) as (a: unknown, b?: unknown) => Result | undefined
  } catch {
    return undefined
  } finally {
    setFlagsFromString('--no-allow-natives-syntax')
  }
}

const hashOf = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
