import { testAnyOrder } from '../../test/anyorder.ts';
import { service } from './index.ts';

testAnyOrder(service);
