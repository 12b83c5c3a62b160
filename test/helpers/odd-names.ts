/** Names that brokers give symbols, and others that some surface has a meaning of its own for. */
export const ODD_NAMES = [
  ...['Volatility 75 Index', 'WIN$N', 'EUR/USD', 'US500.cash', '#AAPL', '.US30', '日経225', 'Währung €'],
  ...[
    'A*B',
    '*',
    'A,B',
    'A\\B',
    'A\\*B',
    'A"B\'C',
    '50%',
    '%41',
    'A?B',
    'A&B=C',
    'A+B',
    '<b>',
    '=1+1',
    '{x}',
    '~',
  ],
  'x'.repeat(64),
];
