import { BadRequestException, HttpException, Injectable } from '@nestjs/common';
import { NoSuchEntryError, UserSecrets } from '../../settings/index.js';
import { readResponseText, withoutTrailingSlashes } from '../../text/index.js';

/** A repository that the user's token can access. */
interface HostedRepository {
  id: string;
  full_name: string;
  git_provider: string;
  is_public: boolean;
  stargazers_count: number | null;
  pushed_at: string | null;
  main_branch: string | null;
}

/** A page of repositories. */
export interface HostedRepositoryPage {
  items: HostedRepository[];
  next_page_id: string | null;
  /** No token is stored, so the page is empty. */
  missing_token: boolean;
}

/** A search for repositories. */
interface RepositoryQuery {
  provider: string;
  query: string | null;
  limit: number;
  page_id: string | null;
}

/** Names of the secret with a GitHub token; the first existing one is used. */
const TOKEN_NAMES = ['github_token', 'GITHUB_TOKEN', 'GH_TOKEN', 'github'];
const PAGE_SIZE = 100;
/** Maximum number of pages that are read for one search by name. */
const MAX_PAGES = 20;
const TIMEOUT_MS = 15_000;
const MAX_BYTES = 16 * 1024 * 1024;

/** Lists repositories on GitHub with the stored token. Makes no requests without a token. */
@Injectable()
export class RepositorySearch {
  constructor(private readonly secrets: UserSecrets) {}

  /** @throws HttpException 400 for other hosts and unknown pages; 401, 403, 502, 504 for errors of GitHub */
  async search({ provider, query, limit, page_id }: RepositoryQuery): Promise<HostedRepositoryPage> {
    if (provider !== 'github') {
      throw new BadRequestException(`Repository discovery is not supported for provider '${provider}'`);
    }
    const start = readPageId(page_id);
    const token = await this.token();
    if (token === undefined) return { items: [], next_page_id: null, missing_token: true };
    const items: HostedRepository[] = [];
    let { page, offset } = start;
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const { found, hasNext } = await fetchPage(token, page);
      const wanted = found.filter(({ full_name }) => matches(full_name, query)).slice(offset);
      const room = limit - items.length;
      items.push(...wanted.slice(0, room));
      if (wanted.length > room) return pageOf(items, `${page}:${offset + room}`);
      if (!hasNext) return pageOf(items, null);
      page += 1;
      offset = 0;
      if (query === null || items.length === limit) break;
    }
    return pageOf(items, String(page));
  }

  private async token(): Promise<string | undefined> {
    for (const name of TOKEN_NAMES) {
      const value = await this.secrets.value(name).catch((error: unknown) => {
        if (error instanceof NoSuchEntryError) return undefined;
        throw error;
      });
      if (value !== undefined && value !== '') return value;
    }
    return undefined;
  }
}

function pageOf(items: HostedRepository[], next_page_id: string | null): HostedRepositoryPage {
  return { items, next_page_id, missing_token: false };
}

function matches(name: string, query: string | null): boolean {
  return query === null || name.toLowerCase().includes(query.toLowerCase());
}

/** `<page>` or `<page>:<offset>`. */
function readPageId(text: string | null): { page: number; offset: number } {
  if (text === null) return { page: 1, offset: 0 };
  const [, page, offset = '0'] = /^([1-9]\d{0,5})(?::(\d{1,6}))?$/.exec(text) ?? [];
  if (page === undefined) throw new BadRequestException('Invalid repository page_id');
  return { page: Number(page), offset: Number(offset) };
}

async function fetchPage(
  token: string,
  page: number,
): Promise<{ found: HostedRepository[]; hasNext: boolean }> {
  // The variable that GitHub's tools use; GitHub Enterprise has its own host.
  const base = withoutTrailingSlashes(process.env['GITHUB_API_URL'] ?? 'https://api.github.com');
  const affiliation = 'owner,collaborator,organization_member';
  const query = new URLSearchParams({
    per_page: String(PAGE_SIZE),
    page: String(page),
    sort: 'pushed',
    affiliation,
  });
  const answer = await ask(`${base}/user/repos?${query.toString()}`, token);
  const text = await readResponseText(answer, MAX_BYTES, () => failure(undefined, 502)).catch(
    (error: unknown) => {
      throw asFailure(error);
    },
  );
  const hasNext = /<[^<>]+>;\s*rel="next"/.test(answer.headers.get('link') ?? '');
  return { found: readRepositories(text), hasNext };
}

async function ask(url: string, token: string): Promise<Response> {
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token}`,
    'x-github-api-version': '2022-11-28',
    'user-agent': 'openhands-agent-server',
  };
  let answer: Response;
  try {
    // A redirect would send the token to another host.
    answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    throw asFailure(error);
  }
  if (answer.ok) return answer;
  await answer.body?.cancel();
  const { status } = answer;
  throw failure(undefined, [401, 403].includes(status) ? status : status >= 500 ? 502 : 400);
}

/** Converts a network error. Its message is not passed on, because it may contain the address. */
function asFailure(error: unknown): HttpException {
  if (error instanceof HttpException) return error;
  const isLate = error instanceof DOMException && error.name === 'TimeoutError';
  return failure(isLate ? 'GitHub repository search timed out' : undefined, isLate ? 504 : 502);
}

function failure(text = 'GitHub repository search failed', status: number): HttpException {
  return new HttpException(text, status);
}

function readRepositories(text: string): HostedRepository[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw failure(undefined, 502);
  }
  if (!Array.isArray(value)) throw failure(undefined, 502);
  return value.flatMap((item: unknown) => {
    if (typeof item !== 'object' || item === null) return [];
    const fields = new Map<string, unknown>(Object.entries(item));
    const text = (name: string): string | null => {
      const field = fields.get(name);
      return typeof field === 'string' ? field : null;
    };
    const stars = fields.get('stargazers_count');
    const id = fields.get('id');
    return [
      {
        id: typeof id === 'number' || typeof id === 'string' ? String(id) : '',
        full_name: text('full_name') ?? '',
        git_provider: 'github',
        is_public: fields.get('private') !== true,
        stargazers_count: Number.isInteger(stars) ? Number(stars) : null,
        pushed_at: text('pushed_at'),
        main_branch: text('default_branch'),
      },
    ];
  });
}
