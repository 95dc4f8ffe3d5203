/** How a query would be run: the planner's steps as a tree, with what each costs. */
import type { CSSProperties } from 'react'
import type { Plan, PlanStep } from '../api/types'
import { Badge } from './Badge'
import { duration } from './format'
import { sharesOf } from './plan-shares'
import './plan.css'

/** A step is worth a look from here on. */
const muchOfAll = 0.3

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

export function PlanView({ label, plan }: { label: string; plan: Plan }) {
  const shares = sharesOf(plan)
  return (
    <div className="stack plan">
      <p className="muted">
        {plan.analyzed ? `Run and measured: ${duration(plan.execution_ms ?? 0)}, planned in ${duration(plan.planning_ms ?? 0)}` : 'Not run: costs and rows are what the planner expects, in its own unit'}
      </p>
      <div className="plan-frame" role="region" aria-label={label} tabIndex={0}>
        <table>
          <thead>
            <tr>
              <th scope="col">Step</th>
              <th scope="col">Own share</th>
              <th scope="col">Cost</th>
              <th scope="col">Rows expected</th>
              {plan.analyzed ? (
                <>
                  <th scope="col">Rows</th>
                  <th scope="col">Time</th>
                </>
              ) : null}
            </tr>
          </thead>
          <tbody>
            {plan.steps.map((step, index) => (
              <Step key={index} step={step} share={shares[index] ?? 0} isAnalyzed={plan.analyzed} />
            ))}
          </tbody>
        </table>
      </div>
    </div>
  )
}

function Step({ step, share, isAnalyzed }: { step: PlanStep; share: number; isAnalyzed: boolean }) {
  const percent = `${Math.round(share * 100)} %`
  const loops = step.loops ?? 1
  return (
    <tr>
      <th scope="row" style={{ '--depth': step.depth } as CSSProperties}>
        <span className="visually-hidden">{step.depth > 0 ? `Level ${step.depth + 1}: ` : ''}</span>
        {step.title}
        {step.details.map((detail) => (
          <code key={detail}>{detail}</code>
        ))}
      </th>
      <td>{share >= muchOfAll ? <Badge tone="amber">{percent}</Badge> : percent}</td>
      <td title={`${short.format(step.startup_cost)} until the first row`}>{short.format(step.total_cost)}</td>
      <td>{whole.format(step.rows)}</td>
      {isAnalyzed ? (
        <>
          <td>{step.actual_rows === null || step.actual_rows === undefined ? 'never run' : `${whole.format(step.actual_rows)}${loops > 1 ? ` × ${whole.format(loops)}` : ''}`}</td>
          <td>{step.actual_ms === null || step.actual_ms === undefined ? '' : duration(step.actual_ms * loops)}</td>
        </>
      ) : null}
    </tr>
  )
}
