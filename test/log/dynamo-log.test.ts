import { afterAll } from 'vitest'
import { startTable } from '../support/embedded-table.ts'
import { describeFaults } from './fault-contract.ts'
import { dynamoBed } from './log-bed.ts'
import { describeLogContract } from './log-contract.ts'

const { endpoint } = await startTable(afterAll)

describeLogContract('the log in the embedded table', () => dynamoBed(endpoint))
describeFaults('the log in the embedded table, on a bad network', endpoint)
