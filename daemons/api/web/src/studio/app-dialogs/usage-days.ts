/** Days without use are no rows in the answer, and bars of no height on the screen. */

export interface UsageDay {
  day: string
  opens: number
  query_runs: number
}

/** The last days up to one, the oldest first. */
export function filledDays(days: readonly UsageDay[], count: number, today: Date): UsageDay[] {
  const byDay = new Map(days.map((day) => [day.day, day]))
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(today.getTime() - (count - 1 - index) * 86_400_000).toISOString().slice(0, 10)
    return byDay.get(day) ?? { day, opens: 0, query_runs: 0 }
  })
}
