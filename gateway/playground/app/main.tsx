import 'graphiql/setup-workers/vite';
// Not graphiql/style.css, which holds Monaco's once more and two fonts: half a megabyte.
import '@graphiql/react/style.css';
import '@graphiql/plugin-doc-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import 'graphiql/graphiql.css';
import './style.css';
import { createRoot } from 'react-dom/client';
import { Playground } from './playground.tsx';
import { chosenTheme } from './theme.ts';

const theme = chosenTheme();
if (theme !== 'system') document.documentElement.dataset.theme = theme;
const place = document.getElementById('app');
if (place) createRoot(place).render(<Playground />);
