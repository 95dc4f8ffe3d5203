/** Which workflow is run: one of those that you may see. */
import { useQuery } from '@tanstack/react-query'
import { workflowsQuery } from '../../studio/lists'
import { SelectField } from '../../ui/Field'

export function WorkflowField({ value, onChange }: { value: string; onChange: (workflow: string) => void }) {
  const slugs = useQuery(workflowsQuery).data?.map((workflow) => workflow.slug) ?? []
  const options = [...new Set([value, ...slugs])].map((slug) => [slug, slugs.includes(slug) ? slug : `${slug} (not found)`] as const)
  return <SelectField label="Workflow" hint="Whoever uses the app needs the role viewer on it; its released version is run." options={options} value={value} onChange={({ target }) => onChange(target.value)} />
}
