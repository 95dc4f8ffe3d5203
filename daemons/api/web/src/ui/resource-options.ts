/** The choice of a resource; one that is gone or not visible stays chosen, and says so. */
export function resourceOptions(names: string[], current: string): (readonly [string, string])[] {
  const known = names.map((name) => [name, name] as const)
  if (current === '') return [['', 'Choose a resource'], ...known]
  return names.includes(current) ? known : [[current, `${current} (not found)`], ...known]
}
