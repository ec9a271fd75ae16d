/** So many notes of a kind are kept; the rest is counted. */
const MAX_NOTES = 100;

/** What a person should know about an imported conversation. */
export interface ImportReport {
  /** What could not be read, or is not as it should be. */
  problems: string[];
  /** JSON pointers of secrets without a value, each with the reason. */
  lost_secrets: string[];
  /** What is different here. */
  changes: string[];
}

/** Collects what was found while a conversation was read. */
export class ImportNotes {
  private readonly notes = { problems: new Notes(), lost_secrets: new Notes(), changes: new Notes() };

  problem(text: string): void {
    this.notes.problems.add(text);
  }

  lostSecret(pointer: string, reason: string): void {
    this.notes.lost_secrets.add(`${pointer}: ${reason}`);
  }

  change(text: string): void {
    this.notes.changes.add(text);
  }

  get hasProblems(): boolean {
    return this.notes.problems.count > 0;
  }

  report(): ImportReport {
    const { problems, lost_secrets, changes } = this.notes;
    return { problems: problems.list(), lost_secrets: lost_secrets.list(), changes: changes.list() };
  }
}

class Notes {
  private readonly texts: string[] = [];
  count = 0;

  add(text: string): void {
    this.count += 1;
    if (this.texts.length < MAX_NOTES && !this.texts.includes(text)) this.texts.push(text);
  }

  list(): string[] {
    const more = this.count - this.texts.length;
    return more > 0 && this.texts.length === MAX_NOTES
      ? [...this.texts, `and ${more} more`]
      : [...this.texts];
  }
}
