export function takeSnapshot(folder: string): Map<string, string>;
