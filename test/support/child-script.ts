import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A TypeScript file of the tests as a process of its own, which a test can stop and continue. */
export class ChildScript {
  readonly child: ChildProcess
  /** What it wrote to its standard output, once it has ended with code 0. */
  readonly output: Promise<string>

  private constructor(child: ChildProcess) {
    this.child = child
    this.output = outputOf(child)
    this.output.catch(() => undefined)
  }

  /**
   * Starts a script, a path relative to the file `from` (its `import.meta.url`); it finds `input` in its argument.
   *
   * @param withStore it has a store, whose database looks for its own files
   */
  static async start(script: string, from: string, input: unknown, { withStore = false } = {}): Promise<ChildScript> {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL(script, from))],
      // Packages too, so that the file runs from any folder; some of them are CommonJS, so all of it is.
      bundle: true,
      platform: 'node',
      target: 'node20',
      ...(withStore ? { format: 'esm', packages: 'external' } : { format: 'cjs' }),
      write: false,
    })
    const folder = await temporaryFolder()
    if (withStore)
      for (const name of ['node_modules', 'migrations']) await symlink(join(ROOT, name), join(folder, name))
    const file = join(folder, withStore ? 'script.mjs' : 'script.cjs')
    await writeFile(file, outputFiles[0]!.contents)
    const child = spawn(process.execPath, [file, JSON.stringify(input)], { stdio: ['ignore', 'pipe', 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    return new ChildScript(child)
  }

  /** Stops the process where it stands. */
  stop(): void {
    this.child.kill('SIGSTOP')
  }

  continue(): void {
    this.child.kill('SIGCONT')
  }
}

async function outputOf(child: ChildProcess): Promise<string> {
  let output = ''
  let errors = ''
  child.stdout!.on('data', (chunk: Buffer) => (output += chunk.toString()))
  child.stderr!.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`the script ended with ${code}:\n${errors}`)
  return output
}
