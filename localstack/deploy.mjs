// npm run localstack:deploy: the profile small on a LocalStack that runs. Prints how to reach it.
import { installMissing } from '../bin/prepare.mjs'
import { localstackEnvironment } from './environment.mjs'

installMissing({ dev: true })
const env = localstackEnvironment()
const { deploy } = await import('./stack.mjs')
const { readTokens } = await import('./secret.mjs')
const { url, outputs } = deploy(env)
const token = await readTokens(env, outputs.TokensSecret)
console.log(`The API is at ${url}
Its admin token is ${token}

  curl -H 'Authorization: Bearer ${token}' ${url}/v1/status
  BOREAL_TOKEN=${token} npx boreal status --url ${url}`)
