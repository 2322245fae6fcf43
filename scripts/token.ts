/** `npm run -s token -- alice`, `npm run -s token -- olga operator`: prints a token for trying things out. */
import { signToken } from '../gateway/identity.ts';
import { ConfigError, readConfig, secretOf } from './config.ts';

const USAGE = 'usage: npm run -s token -- OWNER [operator]';

async function main(): Promise<string> {
  const [owner, role, ...rest] = process.argv.slice(2);
  if (!owner || rest.length > 0 || (role !== undefined && role !== 'operator')) throw new ConfigError(USAGE);
  const config = readConfig(process.env);
  if (config.AUTH_JWKS_URL) throw new ConfigError('AUTH_JWKS_URL is set: tokens come from whoever keeps those keys.');
  return signToken(await secretOf(config), { sub: owner, roles: role ? [role] : [], expiresIn: '12h' });
}

main().then(
  token => console.log(token),
  error => {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exitCode = 1;
  },
);
