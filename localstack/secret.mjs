// The tokens of a deployed API: reads and sets them.
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

const clientOf = (env) =>
  new SecretsManagerClient({
    endpoint: env.AWS_ENDPOINT_URL,
    region: env.AWS_REGION,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY },
  })

export async function readTokens(env, SecretId) {
  return (await clientOf(env).send(new GetSecretValueCommand({ SecretId }))).SecretString
}

/** Environments that start afterwards take them. */
export async function setTokens(env, SecretId, SecretString) {
  await clientOf(env).send(new PutSecretValueCommand({ SecretId, SecretString }))
}
