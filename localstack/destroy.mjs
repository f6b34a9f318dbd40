// npm run localstack:destroy: takes the stack away, with all that it holds.
import { localstackEnvironment } from './environment.mjs'
import { destroy } from './stack.mjs'

await destroy(localstackEnvironment())
