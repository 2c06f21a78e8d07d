using Sluice.Bench;

// Ctrl+C and SIGTERM end the servers first; guard ends them in any case.
return await BenchCommand.Create().Parse(args).InvokeAsync(new() { ProcessTerminationTimeout = TimeSpan.FromSeconds(30) });
