/** The routes that share and move a thing. They are the same for all kinds of things; those of apps stand for all in the types. */
import { api, dataOf } from '../../api/client'
import type { GrantList, Role } from '../../api/types'
import { message } from '../../messages/messages'

/** As the things are called in addresses. Folders go by their id. */
export type SharedKind = 'apps' | 'workflows' | 'resources' | 'queries' | 'folders'

/** Who has a role: a person by their id, or a group by its name. */
export type Grantee = { user: string } | { group: string }

const json = { 'content-type': 'application/json' }
const grantsOf = (kind: SharedKind) => `/api/v1/${kind}/{slug}/grants` as '/api/v1/apps/{slug}/grants'
const ofPerson = (kind: SharedKind) => `/api/v1/${kind}/{slug}/grants/{user}` as '/api/v1/apps/{slug}/grants/{user}'
const ofGroup = (kind: SharedKind) => `/api/v1/${kind}/{slug}/grants/groups/{group}` as '/api/v1/apps/{slug}/grants/groups/{group}'
const place = (kind: SharedKind) => `/api/v1/${kind}/{slug}/folder` as '/api/v1/apps/{slug}/folder'

export function readGrants(kind: SharedKind, slug: string): Promise<GrantList> {
  return dataOf(api.GET(grantsOf(kind), { params: { path: { slug } } }))
}

export function giveRole(kind: SharedKind, slug: string, to: Grantee, role: Role): Promise<unknown> {
  if ('user' in to) return api.PUT(ofPerson(kind), { params: { path: { slug, user: to.user } }, body: { role } })
  return api.PUT(ofGroup(kind), { params: { path: { slug, group: to.group } }, body: { role } })
}

export function takeRole(kind: SharedKind, slug: string, from: Grantee): Promise<unknown> {
  if ('user' in from) return api.DELETE(ofPerson(kind), { params: { path: { slug, user: from.user } }, headers: json })
  return api.DELETE(ofGroup(kind), { params: { path: { slug, group: from.group } }, headers: json })
}

export function moveInto(kind: Exclude<SharedKind, 'folders'>, slug: string, folder: string | null): Promise<unknown> {
  return api.PUT(place(kind), { params: { path: { slug } }, body: { folder } })
}

/** Where people find the thing. */
export function linkOf(kind: SharedKind, slug: string, title: string): string {
  const place = { apps: `/apps/${slug}`, workflows: `/workflows/${slug}`, resources: '/resources', queries: `/queries/${slug}`, folders: `/apps?folder=${encodeURIComponent(title)}` }[kind]
  return location.origin + place
}

/** What roles are called where people share. */
export const roleNames = { viewer: message('Can use'), editor: message('Can edit'), admin: message('Owns it') } satisfies Record<Role, string>

/** How many may share it and delete it, administrators of the instance left out: one that nobody would own any more is refused by the server. */
export function ownersOf({ grants, groups, inherited }: GrantList): number {
  const people = [...grants, ...inherited.flatMap(({ person }) => person ?? [])].filter((grant) => grant.role === 'admin' && !grant.disabled)
  const owning = [...groups, ...inherited.flatMap(({ group }) => group ?? [])].filter((grant) => grant.role === 'admin' && grant.members > 0)
  return people.length + owning.length
}
