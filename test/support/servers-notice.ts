import { findPostgres } from '../bench/systems/peers.ts'
import { findServer, MINIO, MOTO, VERSITYGW } from './servers.ts'

/** Says which suites `npm test` leaves out, in one line. */
export function serversNotice(): string {
  const servers = [VERSITYGW, MINIO, MOTO].map((kind) => `${kind.name}: ${findServer(kind) ? 'found' : 'missing'}`)
  const skipped = `Skipped: the suites in test/servers, on ${servers.join(', ')}. To run them: .ci/install-servers, then npm run test:servers`
  return typeof findPostgres() === 'string'
    ? `${skipped}\nSkipped: dumps loaded into PostgreSQL, which is missing`
    : skipped
}
