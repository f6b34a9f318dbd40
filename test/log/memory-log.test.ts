import { memoryBed } from './log-bed.ts'
import { describeLogContract } from './log-contract.ts'

describeLogContract('the log in memory', memoryBed)
