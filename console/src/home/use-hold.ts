import { useSignal, type ReadonlySignal } from '@preact/signals';
import type { RefObject } from 'preact';
import { useEffect } from 'preact/hooks';

/** Somebody whose pointer has not moved for so long (ms) does not read any more. */
const IDLE_MS = 30_000;
const SIGNS = ['pointermove', 'pointerdown', 'wheel', 'keydown', 'focusin'] as const;

/** Whether a person points at an element, or has the focus in it, and has done something there lately. */
export function useHold(ref: RefObject<HTMLElement | null>): ReadonlySignal<boolean> {
  const isHeld = useSignal(false);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    let idle: ReturnType<typeof setTimeout> | undefined;
    const release = (): void => {
      clearTimeout(idle);
      isHeld.value = false;
    };
    const hold = (event: Event): void => {
      // A finger does not point while it does not touch.
      if (event instanceof PointerEvent && event.pointerType === 'touch') return;
      clearTimeout(idle);
      idle = setTimeout(release, IDLE_MS);
      isHeld.value = true;
    };
    const leave = (): void => {
      if (!element.contains(document.activeElement)) release();
    };
    const blur = ({ relatedTarget }: FocusEvent): void => {
      const staysInside = relatedTarget instanceof Node && element.contains(relatedTarget);
      if (!staysInside && !element.matches(':hover')) release();
    };
    for (const sign of SIGNS) element.addEventListener(sign, hold, { passive: true });
    element.addEventListener('pointerleave', leave);
    element.addEventListener('focusout', blur);
    return () => {
      for (const sign of SIGNS) element.removeEventListener(sign, hold);
      element.removeEventListener('pointerleave', leave);
      element.removeEventListener('focusout', blur);
      release();
    };
  }, []);
  return isHeld;
}
