import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import pg from 'pg'
import { POSTGRES_STATEMENTS, type StatementName } from '../systems/postgres-statements.ts'
import type { Value } from '../systems/task-schema.ts'

/**
 * A thin HTTP front of PostgreSQL, so that both pay for HTTP: `POST /<statement>` with the values as JSON. Arguments:
 * port and connections of the database.
 */
const [port, connections] = process.argv.slice(2).map(Number)
const pool = new pg.Pool({ host: '127.0.0.1', port: port!, user: 'bench', database: 'postgres', max: connections! })

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const name = request.url!.slice(1) as StatementName
    const values = JSON.parse(Buffer.concat(chunks).toString()) as Value[]
    pool.query({ name, text: POSTGRES_STATEMENTS[name], values }).then(
      ({ rowCount, rows }) => response.end(JSON.stringify({ rowCount, rows })),
      (error: Error) => response.writeHead(500).end(error.message),
    )
  })
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`front at http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
