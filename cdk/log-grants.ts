import type { aws_dynamodb as dynamodb, aws_iam as iam } from 'aws-cdk-lib'
import { allow } from './grants.ts'

/**
 * Permissions on the table, by the keys of items and the attributes that a request names: `<store>#<bucket>` has slots of
 * the log (a bucket is twelve digits, of which the first is 0), `<store>#head` what is said of a store, `registry#<name>`
 * which store a name means, `registry#` the list of the names.
 */

const SLOTS = '*#0*'
const HEADS = '*#head'
const REGISTRY = 'registry#*'
const NAME_LIST = 'registry#'

/** The attribute that makes an emptied slot of an item. */
const TRIMMED = 'trimmed'

const KEYS = 'dynamodb:LeadingKeys'
const ATTRIBUTES = 'dynamodb:Attributes'

/** Items with these keys only. */
const onItems = (like: string[], unlike?: string[]): iam.PolicyStatementProps['conditions'] => ({
  'ForAllValues:StringLike': { [KEYS]: like },
  ...(unlike === undefined ? {} : { 'ForAllValues:StringNotLike': { [KEYS]: unlike } }),
  // Without it a request that names no key would satisfy the conditions above.
  Null: { [KEYS]: 'false' },
})

/** A name may begin as a bucket does. */
const onSlots = () => onItems([SLOTS], [REGISTRY])

/** May follow the log. */
export function readsLog(role: iam.Role, { tableArn }: dynamodb.Table): void {
  role.addToPolicy(allow(['dynamodb:GetItem', 'dynamodb:Query'], [tableArn]))
}

/**
 * May follow the log and append to it, and make, name and forget stores. Slots are put, whole; none is changed, deleted or
 * emptied.
 */
export function writesLog(role: iam.Role, table: dynamodb.Table): void {
  const { tableArn } = table
  readsLog(role, table)
  const whole = { 'ForAllValues:StringNotEquals': { [ATTRIBUTES]: [TRIMMED] } }
  role.addToPolicy(allow(['dynamodb:PutItem'], [tableArn], whole))
  role.addToPolicy(allow(['dynamodb:UpdateItem'], [tableArn], onItems([HEADS, NAME_LIST])))
  role.addToPolicy(allow(['dynamodb:DeleteItem'], [tableArn], onItems([REGISTRY])))
}

/** May empty slots and delete emptied ones: what trimming does, and nobody else may. It puts nothing but emptied slots. */
export function emptiesLog(role: iam.Role, { tableArn }: dynamodb.Table): void {
  const emptied = { ...onSlots(), 'ForAnyValue:StringEquals': { [ATTRIBUTES]: [TRIMMED] } }
  role.addToPolicy(allow(['dynamodb:PutItem'], [tableArn], emptied))
  role.addToPolicy(allow(['dynamodb:DeleteItem'], [tableArn], onSlots()))
  role.addToPolicy(allow(['dynamodb:UpdateItem'], [tableArn], onItems([HEADS])))
}

/** May delete the slots of stores that were deleted, and what was noted of them beside their names. It puts nothing. */
export function sweepsStores(role: iam.Role, { tableArn }: dynamodb.Table): void {
  // Batches may put, too; what they put would have more attributes than its key.
  const keysOnly = { ...onSlots(), 'ForAllValues:StringEquals': { [ATTRIBUTES]: ['pk', 'sk'] } }
  role.addToPolicy(allow(['dynamodb:BatchWriteItem'], [tableArn], keysOnly))
  role.addToPolicy(allow(['dynamodb:DeleteItem'], [tableArn], onItems(['registry#*@*'])))
  role.addToPolicy(allow(['dynamodb:UpdateItem'], [tableArn], onItems([HEADS, NAME_LIST])))
}
