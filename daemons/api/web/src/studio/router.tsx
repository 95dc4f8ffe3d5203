/** Every address of the studio. Screens are loaded when they are opened. */
import { Outlet, createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router'
import { ErrorState } from '../ui/states'
import { appFiltersOf } from './app-filters'
import { approvalFiltersOf } from './approval-filters'
import { type RunFilters, filtersOf } from './run-filters'
import { addressOf } from '../tables/view-address'

const root = createRootRoute({
  component: Outlet,
  notFoundComponent: () => <ErrorState error={new Error('There is no page at this address.')} />,
  errorComponent: ({ error }) => <ErrorState error={error} onRetry={() => location.reload()} />,
})

/** The query of the address that the studio was opened with, as it was written: the router reads numbers in it. */
export const openedWith = new URLSearchParams(location.search)

const text = (value: unknown) => (typeof value === 'string' ? value : undefined)

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: (search): { next?: string | undefined; needs?: 'code' | 'enrolment' | undefined } => ({ next: text(search.next), needs: search.needs === 'code' || search.needs === 'enrolment' ? search.needs : undefined }),
  component: lazyRouteComponent(() => import('./Login'), 'Login'),
})
const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  validateSearch: (search) => ({ token: text(search.token) }),
  component: lazyRouteComponent(() => import('./Setup'), 'Setup'),
})
const oauthCallback = createRoute({
  getParentRoute: () => root,
  path: '/oauth/callback',
  component: lazyRouteComponent(() => import('./OauthCallback'), 'OauthCallback'),
})
const signInCallback = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/callback',
  component: lazyRouteComponent(() => import('./SignInCallback'), 'SignInCallback'),
})
const builder = createRoute({
  getParentRoute: () => root,
  path: '/apps/$slug/edit',
  component: lazyRouteComponent(() => import('../builder/Builder'), 'Builder'),
})

const frame = createRoute({ getParentRoute: () => root, id: 'frame', component: lazyRouteComponent(() => import('./Frame'), 'Frame') })
const home = createRoute({ getParentRoute: () => frame, path: '/', component: lazyRouteComponent(() => import('./Home'), 'Home') })
const apps = createRoute({ getParentRoute: () => frame, path: '/apps', validateSearch: appFiltersOf, component: lazyRouteComponent(() => import('./Apps'), 'Apps') })
const workflows = createRoute({ getParentRoute: () => frame, path: '/workflows', component: lazyRouteComponent(() => import('./Workflows'), 'Workflows') })
const workflow = createRoute({
  getParentRoute: () => frame,
  path: '/workflows/$slug',
  validateSearch: (search): { tab?: 'runs' | 'operation' } & RunFilters => {
    if (search.tab === 'operation') return { tab: 'operation' }
    return search.tab === 'runs' ? { tab: 'runs', ...filtersOf(search) } : {}
  },
  component: lazyRouteComponent(() => import('../workflow/WorkflowPage'), 'WorkflowPage'),
})
const run = createRoute({
  getParentRoute: () => frame,
  path: '/workflows/$slug/runs/$run',
  component: lazyRouteComponent(() => import('../workflow/RunPage'), 'RunPage'),
})
const resources = createRoute({ getParentRoute: () => frame, path: '/resources', component: lazyRouteComponent(() => import('./Resources'), 'Resources') })
const sshHosts = createRoute({ getParentRoute: () => frame, path: '/ssh-hosts', component: lazyRouteComponent(() => import('./SshHosts'), 'SshHosts') })
const runs = createRoute({ getParentRoute: () => frame, path: '/runs', validateSearch: filtersOf, component: lazyRouteComponent(() => import('./Runs'), 'Runs') })
const approvals = createRoute({ getParentRoute: () => frame, path: '/approvals', validateSearch: approvalFiltersOf, component: lazyRouteComponent(() => import('./Approvals'), 'Approvals') })
const secrets = createRoute({ getParentRoute: () => frame, path: '/secrets', component: lazyRouteComponent(() => import('./Secrets'), 'Secrets') })
const libraries = createRoute({ getParentRoute: () => frame, path: '/libraries', component: lazyRouteComponent(() => import('./Libraries'), 'Libraries') })
const users = createRoute({ getParentRoute: () => frame, path: '/users', component: lazyRouteComponent(() => import('./Users'), 'Users') })
const groups = createRoute({ getParentRoute: () => frame, path: '/groups', component: lazyRouteComponent(() => import('./Groups'), 'Groups') })
const tables = createRoute({ getParentRoute: () => frame, path: '/tables', component: lazyRouteComponent(() => import('../tables/TablesPage'), 'TablesPage') })
const table = createRoute({ getParentRoute: () => frame, path: '/tables/$table', validateSearch: addressOf, component: lazyRouteComponent(() => import('../tables/TablePage'), 'TablePage') })
const folders = createRoute({ getParentRoute: () => frame, path: '/folders', component: lazyRouteComponent(() => import('./folders/Folders'), 'Folders') })
const queries = createRoute({ getParentRoute: () => frame, path: '/queries', component: lazyRouteComponent(() => import('./Queries'), 'Queries') })
const query = createRoute({ getParentRoute: () => frame, path: '/queries/$slug', component: lazyRouteComponent(() => import('./QueryPage'), 'QueryPage') })
const environments = createRoute({ getParentRoute: () => frame, path: '/environments', component: lazyRouteComponent(() => import('./Environments'), 'Environments') })
const account = createRoute({ getParentRoute: () => frame, path: '/account', component: lazyRouteComponent(() => import('./Account'), 'Account') })
const logInSettings = createRoute({ getParentRoute: () => frame, path: '/log-in-settings', component: lazyRouteComponent(() => import('./SignInSettings'), 'SignInSettings') })
const tokens = createRoute({ getParentRoute: () => frame, path: '/tokens', component: lazyRouteComponent(() => import('./AllTokens'), 'AllTokens') })
const sourceControl = createRoute({ getParentRoute: () => frame, path: '/source-control', component: lazyRouteComponent(() => import('./source-control/SourceControl'), 'SourceControl') })
const audit = createRoute({ getParentRoute: () => frame, path: '/audit', component: lazyRouteComponent(() => import('./Audit'), 'Audit') })

const tree = root.addChildren([login, setup, oauthCallback, signInCallback, builder, frame.addChildren([home, apps, workflows, workflow, run, resources, sshHosts, tables, table, queries, query, runs, approvals, libraries, secrets, users, groups, folders, environments, sourceControl, audit, account, logInSettings, tokens])])

export const router = createRouter({ routeTree: tree, defaultPreload: 'intent' })

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
