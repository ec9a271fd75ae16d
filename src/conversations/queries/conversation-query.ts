import type { CatalogueOrder } from '../../storage/index.js';

/** Filter, order and page of the list of conversations. */
export interface ConversationQuery {
  /** Id of the first conversation of the page (32 hex digits). Unknown ids select the first page. */
  pageId?: string;
  limit: number;
  status?: string;
  sortOrder: CatalogueOrder;
  includeSkills: boolean;
}
