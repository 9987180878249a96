/** The front end as the HTTP adapter wants it: pages from props, files by name. */
import { h, type ComponentType } from 'preact';
import { renderToString } from 'preact-render-to-string';
import type { Pages } from '../server/http/pages.ts';
import { buildAssets, type AssetPaths } from './build.ts';
import { AccessPage } from './pages/access.tsx';
import { ApprovalPage } from './pages/approval.tsx';
import { ApprovalsPage } from './pages/approvals.tsx';
import { DirectoryPage } from './pages/directory.tsx';
import { ComparePage } from './pages/compare.tsx';
import { DevicePage } from './pages/device.tsx';
import { ErrorPage } from './pages/error.tsx';
import { ExportedPage, RECORDING_PLACE } from './pages/exported.tsx';
import { JournalPage } from './pages/journal.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { OwnKeysPage } from './pages/keys.tsx';
import { LinkPage, SignedClientPage } from './pages/link.tsx';
import { RulesPage } from './pages/rules.tsx';
import { RunPage, RunsPage } from './pages/runs.tsx';
import { SearchPage } from './pages/search.tsx';
import { SessionPage } from './pages/session.tsx';
import { SessionsPage } from './pages/sessions.tsx';
import { SetupPage } from './pages/setup.tsx';
import { SignInPage } from './pages/sign-in.tsx';

/** Bundles the files for browsers, which takes a moment: call once at start. */
export async function createPages(): Promise<Pages> {
  const { files, inline, paths } = await buildAssets();
  const page =
    <Props extends object>(Page: ComponentType<Props & { readonly assets: AssetPaths }>) =>
    (props: Props): string =>
      `<!doctype html>${renderToString(h(Page, { ...props, assets: paths }))}`;
  return {
    access: page(AccessPage),
    sessions: page(SessionsPage),
    session: page(SessionPage),
    search: page(SearchPage),
    approvals: page(ApprovalsPage),
    approval: page(ApprovalPage),
    directory: page(DirectoryPage),
    overview: page(OverviewPage),
    rules: page(RulesPage),
    runs: page(RunsPage),
    run: page(RunPage),
    compare: page(ComparePage),
    journal: page(JournalPage),
    setup: page(SetupPage),
    signIn: page(SignInPage),
    link: page(LinkPage),
    device: page(DevicePage),
    signedClient: page(SignedClientPage),
    ownKeys: page(OwnKeysPage),
    error: page(ErrorPage),
    exported: (props) => {
      const html = `<!doctype html>${renderToString(h(ExportedPage, { ...props, inline }))}`;
      const at = html.lastIndexOf(RECORDING_PLACE);
      return { start: html.slice(0, at), end: html.slice(at + RECORDING_PLACE.length) };
    },
    asset: (name) => files.get(name) ?? null,
  };
}
