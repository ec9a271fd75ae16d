import type { Place } from './arrange.js';

/**
 * The order that is shown. While a person points at the list or has the focus in it, nothing moves: changes
 * are counted, and shown when the person asks for them or has left.
 */
export class ShownOrder {
  private places: readonly Place[] = [];
  private basis: readonly unknown[] = [];

  /**
   * @param fresh the order of what is known now
   * @param basis one of its parts changes when the person has asked for another order: it is shown at once
   */
  next(
    fresh: readonly Place[],
    basis: readonly unknown[],
    isHeld: boolean,
  ): { places: readonly Place[]; updates: number } {
    if (
      !isHeld ||
      basis.some((part, index) => part !== this.basis[index]) ||
      beginsWith(fresh, this.places)
    ) {
      this.places = fresh;
      this.basis = basis;
      return { places: fresh, updates: 0 };
    }
    return { places: this.places, updates: differences(this.places, fresh) };
  }
}

/** Rows that are only added at the end move nothing. */
function beginsWith(fresh: readonly Place[], shown: readonly Place[]): boolean {
  return (
    fresh.length >= shown.length &&
    shown.every(({ id, section, depth }, index) => {
      const other = fresh[index];
      return other?.id === id && other.section === section && other.depth === depth;
    })
  );
}

/** How many conversations are new, gone, or in another section. */
function differences(shown: readonly Place[], fresh: readonly Place[]): number {
  const sections = new Map(shown.map(({ id, section }) => [id, section]));
  let count = 0;
  for (const { id, section } of fresh) {
    if (sections.get(id) !== section) count += 1;
    sections.delete(id);
  }
  return count + sections.size;
}
