export type WebApp = { name: string; folder: string; also?: string[] };
export const webApps: readonly WebApp[];
export const BUILD_RECORD: string;
export function hashOfSources(root: string, app: WebApp): Promise<string | undefined>;
export function outdatedApps(root: string): Promise<WebApp[]>;
