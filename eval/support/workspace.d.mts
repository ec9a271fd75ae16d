export function takeSnapshot(folder: string): Promise<Map<string, string>>;
