import { Injectable } from '@nestjs/common';
import type { Principal } from '../../auth/index.js';
import { DomainError } from '../../errors/index.js';
import type { AnswerSource } from '../../http/index.js';
import { Sandbox } from '../../sandbox/index.js';
import { SearchError } from '../../tools/index.js';
import { FilesService } from '../files/files.service.js';
import { RuntimeScopes } from '../paths/runtime-scopes.js';
import { searchContent, type ContentQuery, type SearchPlace, type SearchRecord } from './content-search.js';
import { searchNames, type FoundNames, type NameQuery } from './name-search.js';
import { SearchSlots } from './search-slots.js';

/** There is no ripgrep for this platform. */
class NoSearchError extends DomainError {
  override readonly name = 'NoSearchError';
  readonly kind = 'unsupported';
}

/** Who searches where. */
export interface SearchRequest {
  /** The folder, as the client has named it. */
  path: string;
  /** Undefined: the whole machine. */
  conversationId: string | undefined;
  principal: Principal;
  /** Ends the search: the client has left. */
  signal: AbortSignal;
}

/** Searches folders for clients. */
@Injectable()
export class SearchService {
  private readonly slots = new SearchSlots();

  constructor(
    private readonly files: FilesService,
    private readonly scopes: RuntimeScopes,
    private readonly sandbox: Sandbox,
  ) {}

  /** How many searches run. */
  get size(): number {
    return this.slots.size;
  }

  /** @throws TooManySearchesError, NoSearchError, errors of paths */
  async names(query: NameQuery, request: SearchRequest): Promise<FoundNames> {
    const release = this.slots.take(request.principal.id);
    try {
      return await withSearchErrors(async () => searchNames(query, await this.place(request)));
    } finally {
      release();
    }
  }

  /**
   * The records of a search, a line of JSON each, as soon as there is a first one: what is wrong with the
   * query is known by then.
   * @throws InvalidRequestError, TooManySearchesError, NoSearchError, errors of paths
   */
  async content(query: ContentQuery, request: SearchRequest): Promise<AnswerSource> {
    const release = this.slots.take(request.principal.id);
    try {
      return await withSearchErrors(async () => {
        // A client that does not read on keeps the records waiting, but no place of others.
        const records = searchContent(query, { ...(await this.place(request)), onEnd: release });
        return jsonLines(await records.next(), records);
      });
    } catch (error) {
      release();
      throw error;
    }
  }

  private async place({ path, conversationId, signal }: SearchRequest): Promise<SearchPlace> {
    const folder = await this.files.folder(path, conversationId);
    const { confinement: scope } = await this.scopes.of(conversationId);
    const confinement = scope === undefined ? this.sandbox.server : this.sandbox.confine(scope);
    return { folder, confinement, signal };
  }
}

async function* jsonLines(
  first: IteratorResult<SearchRecord, void>,
  records: AsyncGenerator<SearchRecord, void>,
): AnswerSource {
  try {
    for (let next = first; !next.done; next = await records.next()) yield `${JSON.stringify(next.value)}\n`;
  } finally {
    await records.return();
  }
}

async function withSearchErrors<T>(work: () => Promise<T>): Promise<T> {
  return work().catch((error: unknown) => {
    throw error instanceof SearchError ? new NoSearchError(error.message) : error;
  });
}
