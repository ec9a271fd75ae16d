import { useSignal } from '@preact/signals';

/** Lets an element take files that are dragged onto it. Put the handlers on it. */
export function useFileDrop(onFiles: (files: File[]) => void) {
  const isOver = useSignal(false);
  return {
    isOver: isOver.value,
    handlers: {
      onDragOver: (event: DragEvent) => {
        if (event.dataTransfer?.types.includes('Files') !== true) return;
        event.preventDefault();
        isOver.value = true;
      },
      onDragLeave: ({ currentTarget, relatedTarget }: DragEvent) => {
        const isInside =
          relatedTarget instanceof Node && (currentTarget as Node | null)?.contains(relatedTarget);
        if (isInside !== true) isOver.value = false;
      },
      onDrop: (event: DragEvent) => {
        isOver.value = false;
        const files = [...(event.dataTransfer?.files ?? [])];
        if (files.length === 0) return;
        event.preventDefault();
        onFiles(files);
      },
    },
  };
}
