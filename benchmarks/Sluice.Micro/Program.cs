using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// About three minutes, on a machine that does nothing else:
// dotnet run -c Release --project benchmarks/Sluice.Micro -- --filter "*" --job short --iterationTime 250
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "bench")));
