import { setTimeout as delay } from 'node:timers/promises'
import { Pool } from 'undici'

/**
 * Readers that do nothing but ask for one thing again and again, in a process of their own so that they do not hold up
 * whoever measures. Arguments: URL, path, token, number of readers. At SIGTERM it says what they got.
 */
const [url, path, token, readers] = process.argv.slice(2)
const pool = new Pool(url!, { connections: Number(readers), headersTimeout: 60_000, bodyTimeout: 60_000 })
const got = { answers: 0, refused: 0, failed: 0, bytes: 0 }
let stopped = false

async function read(): Promise<void> {
  while (!stopped) {
    try {
      const { statusCode, headers, body } = await pool.request({
        method: 'GET',
        path: path!,
        headers: { authorization: `Bearer ${token}` },
      })
      let bytes = 0
      for await (const chunk of body) bytes += (chunk as Buffer).length
      if (stopped) return
      if (statusCode === 200) {
        got.answers++
        got.bytes += bytes
      } else if (statusCode === 429) {
        got.refused++
        await delay(Number(headers['retry-after'] ?? 1) * 1_000)
      } else throw new Error(`${statusCode}`)
    } catch {
      if (!stopped) got.failed++
      await delay(100)
    }
  }
}

const startedAt = performance.now()
process.once('SIGTERM', () => {
  stopped = true
  const seconds = (performance.now() - startedAt) / 1_000
  process.stdout.write(`readers ${JSON.stringify({ ...got, seconds })}\n`, () => process.exit(0))
})
for (let reader = 0; reader < Number(readers); reader++) void read()
process.stdout.write('reading\n')
