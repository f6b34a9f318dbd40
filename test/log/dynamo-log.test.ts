import { afterAll } from 'vitest'
import { startTable } from '../support/embedded-table.ts'
import { describeFaults } from './fault-contract.ts'
import { dynamoBed } from './log-bed.ts'
import { describeLogContract } from './log-contract.ts'

const { endpoint, transport } = await startTable(afterAll)

describeLogContract('the log in the embedded table', () => dynamoBed(endpoint))
describeLogContract('the log in the embedded table of this process', () => dynamoBed(endpoint, { transport }))
describeFaults('the log in the embedded table, on a bad network', endpoint)
