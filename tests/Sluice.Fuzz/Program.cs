using Sluice.Fuzz;
using Xunit.Runner.InProc.SystemConsole;

// `fuzz …` is what ./fuzz calls; anything else is for the test runner.
return args is ["fuzz", .. var options] ? FuzzCommand.Run(options) : await ConsoleRunner.Run(args);
