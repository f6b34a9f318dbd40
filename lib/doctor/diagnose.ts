import { isBorealError } from '../model/errors.ts'
import { CHECKS } from './checks.ts'
import type { Check, DoctorContext, Source } from './context.ts'
import { type Finding, type Severity, worse } from './finding.ts'
import { learn } from './known.ts'

/** Findings of one check that are kept in full; more of them say nothing new, and memory is bounded. */
const MOST_FINDINGS = 200

/** What one check has found. */
export interface CheckReport {
  check: string
  severity: Severity
  /** What was looked at. */
  summary: string
  /** Warnings and damages, all of them; `findings` has the first ones. */
  found: number
}

export interface Diagnosis {
  place: string
  storeId: string
  severity: Severity
  checks: CheckReport[]
  findings: (Finding & { check: string })[]
}

export interface DiagnoseOptions {
  /** Also what takes long. */
  deep?: boolean | undefined
  checks?: readonly Check[]
  /** Hears every warning and damage as it is found, also those that are not kept. */
  onFinding?: (finding: Finding & { check: string }) => void
}

/** Examines a store from head to foot. Nothing is changed; what is appended meanwhile is no finding. */
export async function diagnose(
  source: Source & Omit<DoctorContext, keyof Source | 'known'>,
  options: DiagnoseOptions = {},
): Promise<Diagnosis> {
  const { known, findings } = await learn(source)
  const context: DoctorContext = { ...source, known }
  const diagnosis: Diagnosis = {
    place: source.place,
    storeId: source.storeId,
    severity: 'ok',
    checks: [],
    findings: [],
  }
  const note = (report: CheckReport, finding: Finding) => {
    if (finding.severity === 'ok') report.summary = finding.what
    else {
      report.severity = worse(report.severity, finding.severity)
      const named = { check: report.check, ...finding }
      if (++report.found <= MOST_FINDINGS) diagnosis.findings.push(named)
      options.onFinding?.(named)
    }
  }
  const first = [...source.findings, ...findings]
  if (first.length > 0) {
    const report: CheckReport = { check: 'source', severity: 'ok', summary: source.place, found: 0 }
    for (const finding of first) note(report, finding)
    diagnosis.checks.push(report)
  }
  for (const check of options.checks ?? CHECKS) {
    if ((check.deep && !options.deep) || check.applies?.(context) === false) continue
    const report: CheckReport = { check: check.name, severity: 'ok', summary: '', found: 0 }
    diagnosis.checks.push(report)
    try {
      for await (const finding of check.run(context)) note(report, finding)
    } catch (error) {
      // What cannot be looked at is not found to be well.
      if (!isBorealError(error)) throw error
      note(report, { severity: 'damage', what: `it cannot be examined: ${error.message}` })
    }
  }
  for (const { severity } of diagnosis.checks) diagnosis.severity = worse(diagnosis.severity, severity)
  return diagnosis
}
