/** The lists that several screens share. */
import { queryOptions } from '@tanstack/react-query'
import { api, dataOf } from '../api/client'

export const appsQuery = queryOptions({ queryKey: ['apps'], queryFn: async () => (await dataOf(api.GET('/api/v1/apps'))).apps })
export const workflowsQuery = queryOptions({ queryKey: ['workflows'], queryFn: async () => (await dataOf(api.GET('/api/v1/workflows'))).workflows })
export const resourcesQuery = queryOptions({ queryKey: ['resources'], queryFn: async () => (await dataOf(api.GET('/api/v1/resources'))).resources })
export const sshHostsQuery = queryOptions({ queryKey: ['ssh-hosts'], queryFn: async () => (await dataOf(api.GET('/api/v1/ssh-hosts'))).ssh_hosts })
export const secretsQuery = queryOptions({ queryKey: ['secrets'], queryFn: async () => (await dataOf(api.GET('/api/v1/secrets'))).secrets })
export const librarySetsQuery = queryOptions({ queryKey: ['library-sets'], queryFn: async () => (await dataOf(api.GET('/api/v1/library-sets'))).sets })
export const approvalsQuery = queryOptions({ queryKey: ['approvals'], staleTime: 0, queryFn: async () => (await dataOf(api.GET('/api/v1/approvals'))).approvals })
export const libraryQuery = queryOptions({ queryKey: ['queries'], queryFn: async () => (await dataOf(api.GET('/api/v1/queries'))).queries })
export const queueQuery = queryOptions({ queryKey: ['queue'], queryFn: () => dataOf(api.GET('/api/v1/queue')) })
export const usersQuery = queryOptions({ queryKey: ['users'], queryFn: async () => (await dataOf(api.GET('/api/v1/users'))).users })
export const environmentsQuery = queryOptions({ queryKey: ['environments'], queryFn: async () => (await dataOf(api.GET('/api/v1/environments'))).environments })
export const foldersQuery = queryOptions({ queryKey: ['folders'], queryFn: async () => (await dataOf(api.GET('/api/v1/folders'))).folders })
export const groupsQuery = queryOptions({ queryKey: ['groups'], queryFn: async () => (await dataOf(api.GET('/api/v1/groups'))).groups })
export const sourceControlQuery = queryOptions({ queryKey: ['source-control'], queryFn: () => dataOf(api.GET('/api/v1/source-control')) })
