import type { ConversationUse } from '../../conversations/index.js';
import type { AppConfig } from '../../config/index.js';
import { diskSpace, type DiskSpace } from '../../files/index.js';
import type {
  Catalogue,
  CatalogueEntry,
  ConversationFolders,
  LeaseStore,
  ReservedConversations,
} from '../../storage/index.js';
import { ConversationSizes } from './conversation-sizes.js';
import { hasEnded, isActive, isTooOld, type Protection, protectionOf } from './protection.js';
import type { DiskFacts, KeptCounts, Removal, RetentionPlan } from './retention-plan.js';
import type { RetentionRules } from './retention-rules.js';

/** Conversations that are listed at a time. */
const PAGE = 500;
/** Removals of one pass; the next one goes on. */
const MAX_REMOVALS = 5_000;
/** Children of a conversation that are looked at. */
const MAX_CHILDREN = 1_000;

/** What the planner asks of the server. */
export interface PlannerServices {
  catalogue: Catalogue;
  folders: ConversationFolders;
  leases: LeaseStore;
  reserved: Pick<ReservedConversations, 'has'>;
  config: Pick<AppConfig, 'paths'>;
  /** How an open conversation is used; undefined for one that is not open here. */
  useOf: (id: string) => ConversationUse | undefined;
}

/** Decides what a sweep would remove. Changes nothing. */
export class RetentionPlanner {
  private readonly sizes: ConversationSizes;

  constructor(private readonly services: PlannerServices) {
    const { catalogue, folders, config } = services;
    this.sizes = new ConversationSizes(catalogue, folders, config.paths.worktrees);
  }

  /**
   * What these rules would remove now.
   * @param clock why no conversation may be removed for its age now; undefined: it may
   */
  async plan(rules: RetentionRules, signal: AbortSignal, clock?: string): Promise<RetentionPlan> {
    const kept: KeptCounts = {};
    const byAge = clock === undefined ? await this.byAge(rules, kept, signal) : [];
    const space = await diskSpace(this.services.config.paths.conversations);
    const disk = space ? factsOf(space, rules.disk_budget) : null;
    const plan: RetentionPlan = {
      rules,
      disk,
      removals: byAge,
      kept,
      within_budget: true,
      notes: clock === undefined ? [] : [clock],
    };
    const budget = disk?.budget_bytes ?? Infinity;
    if (disk && space && space.used > budget) await this.addByBudget(plan, disk, budget, signal);
    return plan;
  }

  private async byAge(rules: RetentionRules, kept: KeptCounts, signal: AbortSignal): Promise<Removal[]> {
    if (rules.retention_days === null) return [];
    const found: CatalogueEntry[] = [];
    for await (const entry of this.entries(signal)) {
      if (!isTooOld(entry, rules) || found.length >= MAX_REMOVALS) break;
      const protection = await this.protection(entry, rules);
      if (protection === undefined) found.push(entry);
      else count(kept, protection);
    }
    const sizes = await this.sizes.of(
      found.map(({ id }) => id),
      signal,
    );
    return found.map((entry, index) => removalOf(entry, 'age', sizes[index] ?? 0));
  }

  /** Only if the file system is used beyond the budget at all: otherwise conversations cannot be either. */
  private async addByBudget(
    plan: RetentionPlan,
    disk: DiskFacts,
    budget: number,
    signal: AbortSignal,
  ): Promise<void> {
    const entries: CatalogueEntry[] = [];
    for await (const entry of this.entries(signal)) entries.push(entry);
    const sizes = await this.sizes.of(
      entries.map(({ id }) => id),
      signal,
      true,
    );
    const total = sizes.reduce((sum, bytes) => sum + bytes, 0);
    disk.conversations_bytes = total;
    let excess = total - plan.removals.reduce((sum, { bytes }) => sum + bytes, 0) - budget;
    const chosen = new Set(plan.removals.map(({ conversation_id: id }) => id));
    const sized = entries.map((entry, index) => ({ entry, bytes: sizes[index] ?? 0 }));
    // What is idle or paused may be gone on with.
    const inOrder = [
      ...sized.filter(({ entry }) => hasEnded(entry)),
      ...sized.filter(({ entry }) => !hasEnded(entry)),
    ];
    for (const { entry, bytes } of inOrder) {
      if (excess <= 0 || plan.removals.length >= MAX_REMOVALS) break;
      signal.throwIfAborted();
      if (chosen.has(entry.id)) continue;
      const protection = await this.protection(entry, plan.rules);
      if (protection === undefined) {
        plan.removals.push(removalOf(entry, 'budget', bytes));
        excess -= bytes;
      } else if (plan.rules.retention_days === null) count(plan.kept, protection);
    }
    plan.within_budget = excess <= 0;
  }

  /** All conversations, the longest unchanged first. */
  private async *entries(signal: AbortSignal): AsyncGenerator<CatalogueEntry, void> {
    let after: CatalogueEntry | undefined;
    for (;;) {
      signal.throwIfAborted();
      const page = await this.services.catalogue.page({ order: 'UPDATED_AT', limit: PAGE, after });
      yield* page;
      after = page.at(-1);
      if (page.length < PAGE || !after) return;
    }
  }

  private async protection(entry: CatalogueEntry, rules: RetentionRules): Promise<Protection | undefined> {
    const { catalogue, leases, reserved, useOf } = this.services;
    const { id, parent_conversation_id: parent } = entry;
    const use = useOf(id);
    if (reserved.has(id)) return 'container';
    const fromEntry = protectionOf(entry, use, rules.keep_seconds);
    if (fromEntry !== undefined) return fromEntry;
    const metadata = await catalogue.load(id).catch(() => undefined);
    // Gone or damaged since it was listed.
    if (!metadata) return 'recent';
    const fromState = protectionOf(metadata, use, rules.keep_seconds);
    if (fromState !== undefined) return fromState;
    if (await this.hasActiveRelative(id, parent)) return 'related';
    const owner = use ? undefined : await leases.ownerOf(id).catch(() => undefined);
    return owner && !owner.isSelf ? 'elsewhere' : undefined;
  }

  /** Whoever started it may read what it did, and it may wait for what it has started. */
  private async hasActiveRelative(id: string, parent: string | null): Promise<boolean> {
    const { catalogue, useOf } = this.services;
    const children = (await catalogue.childrenOf(id)).slice(0, MAX_CHILDREN);
    for (const relative of parent === null ? children : [parent, ...children]) {
      if (useOf(relative)?.isWorking) return true;
      const entry = await catalogue.entry(relative);
      if (entry && isActive(entry)) return true;
    }
    return false;
  }
}

function factsOf({ size, free, used }: DiskSpace, budget: number | null): DiskFacts {
  const usable = used + free;
  return {
    size_bytes: size,
    free_bytes: free,
    used_share: usable === 0 ? 0 : Math.round((used / usable) * 10_000) / 10_000,
    budget_bytes: budget === null ? null : Math.floor(usable * budget),
    conversations_bytes: null,
  };
}

function removalOf(entry: CatalogueEntry, reason: Removal['reason'], bytes: number): Removal {
  const { id: conversation_id, execution_status, updated_at } = entry;
  return { conversation_id, reason, execution_status, updated_at, bytes };
}

function count(kept: KeptCounts, protection: Protection): void {
  kept[protection] = (kept[protection] ?? 0) + 1;
}
