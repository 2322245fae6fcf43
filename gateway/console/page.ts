import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Router } from 'express';

/** The page at `/`: where everything is, and how its parts are. One file; nothing but what it holds may run in it. */
export function consolePage(): Router {
  const html = readFileSync(new URL('./index.html', import.meta.url), 'utf8');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(html, 'script')}`,
    `style-src ${hashOf(html, 'style')}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  return Router().get('/', (_request, response) => {
    response.setHeader('content-security-policy', policy);
    response.setHeader('cache-control', 'no-cache');
    response.type('html').send(html);
  });
}

function hashOf(html: string, tag: 'script' | 'style'): string {
  const content = html.match(new RegExp(`<${tag}>(.*)</${tag}>`, 's'))?.[1];
  if (content === undefined) throw new Error(`the console page has no ${tag}`);
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}
