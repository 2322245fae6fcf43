import { render } from 'preact';
import { App } from './app.tsx';
import { startLive } from './live.ts';
import { startRouter } from './router.ts';
import { restoreSession } from './session.ts';
import { startTheme } from './theme.ts';
import { startClock } from './time.ts';
import './style.css';

startTheme();
startRouter();
startClock();
startLive();
restoreSession();

const place = document.getElementById('app');
if (place) render(<App />, place);
