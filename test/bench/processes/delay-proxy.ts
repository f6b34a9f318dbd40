import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A proxy in front of a DynamoDB server that makes every PutItem take longer, by a time it keeps exactly. Arguments: URL
 * of the server, delay in ms.
 */
const [target, delay] = process.argv.slice(2)
const { hostname, port } = new URL(target!)
const delayMs = Number(delay)
const agent = new Agent({ keepAlive: true })

/** Timers come up to this late, ms. The rest is waited for by stopping the thread: no CPU, and right to 0.1 ms. */
const TIMER_MS = 1.5
const clock = new Int32Array(new SharedArrayBuffer(4))

function forward(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming
  const forwarded = request({ agent, hostname, port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode!, answer.headers)
    answer.pipe(outgoing)
  })
  forwarded.on('error', () => outgoing.destroy())
  forwarded.end(body)
}

const server = createServer((incoming, outgoing) => {
  const dueAt = performance.now() + delayMs
  const chunks: Buffer[] = []
  incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
  incoming.on('end', () => {
    const send = () => forward(incoming, Buffer.concat(chunks), outgoing)
    if (!String(incoming.headers['x-amz-target']).endsWith('.PutItem')) return send()
    setTimeout(
      () => {
        const restMs = dueAt - performance.now()
        // One append is on its way at a time, so there is nothing else that this would hold up.
        if (restMs > 0) Atomics.wait(clock, 0, 0, restMs)
        send()
      },
      Math.max(0, Math.floor(delayMs - TIMER_MS)),
    )
  })
})
// Longer than any pause of a client, so that nobody meets a connection that is just being closed.
server.keepAliveTimeout = 120_000
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`proxy at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
