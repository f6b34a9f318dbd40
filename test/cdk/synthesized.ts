import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Template } from 'aws-cdk-lib/assertions'
import { borealApp } from '../../cdk/app.ts'

export interface Statement {
  Action: string[]
  Resource: string[]
  Condition?: unknown
}

/** A resource of a template. */
export interface Resource {
  // biome-ignore lint/suspicious/noExplicitAny: properties of every kind.
  Properties: any
  DeletionPolicy?: string
}

/** A folder that stands for the bundle. */
export function emptyBundle(): string {
  const bundle = mkdtempSync(join(tmpdir(), 'boreal-bundle-'))
  writeFileSync(join(bundle, 'api.js'), '')
  writeFileSync(join(bundle, 'Dockerfile'), 'FROM scratch\n')
  return bundle
}

const synthesizedBefore = new Map<string, Deployed>()

/** The template with these parameters. Rules of cdk-nag are for nag.test.ts: they take longer than all else. */
export function synthesized(context: Record<string, unknown> = {}): { template: Deployed } {
  const key = JSON.stringify(context)
  const before = synthesizedBefore.get(key)
  if (before !== undefined) return { template: before }
  const { stack } = borealApp(emptyBundle(), { context, outdir: mkdtempSync(join(tmpdir(), 'boreal-cdk-')) }, [])
  const template = new Deployed(Template.fromStack(stack))
  synthesizedBefore.set(key, template)
  return { template }
}

/** A template, asked for what matters. */
export class Deployed {
  readonly template: Template

  constructor(template: Template) {
    this.template = template
  }

  resources(type: string): Record<string, Resource> {
    return this.template.findResources(type) as Record<string, Resource>
  }

  /** The one resource of a type whose logical id begins like this. */
  resource(type: string, id = ''): Resource {
    const found = Object.entries(this.resources(type)).filter(([logicalId]) => logicalId.startsWith(id))
    if (found.length !== 1) throw new Error(`${found.length} resources ${type} ${id}`)
    return found[0]![1]
  }

  /** What the role whose logical id begins like this may do, actions and resources as lists of texts. */
  statements(role: string): Statement[] {
    return Object.entries(this.resources('AWS::IAM::Policy'))
      .filter(([, { Properties }]) => Properties.Roles.some(({ Ref }: { Ref: string }) => Ref.startsWith(role)))
      .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)
      .map(({ Action, Resource, ...rest }) => ({
        ...rest,
        Action: [Action].flat(),
        Resource: [Resource].flat().map(textOf),
      }))
  }

  /** Actions of a role on whatever has this text in its name. */
  actions(role: string, on: string): string[] {
    const found = this.statements(role).filter(({ Resource }) => Resource.some((name) => name.includes(on)))
    return [...new Set(found.flatMap(({ Action }) => Action))].sort()
  }
}

/** A value of a template as a text: intrinsic functions are replaced by the names that are in them. */
export function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value)) return value.map(textOf).join('')
  const [[name, inner]] = Object.entries(value) as [[string, unknown]]
  if (name === 'Fn::Join') return textOf((inner as [string, unknown[]])[1])
  return name === 'Fn::GetAtt' ? `<${(inner as string[]).join('.')}>` : `<${textOf(inner)}>`
}
