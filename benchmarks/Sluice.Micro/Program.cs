using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

// ./bench --micro: some minutes, on a machine that does nothing else.
BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly)
    .Run(args, DefaultConfig.Instance.WithArtifactsPath(Path.Combine("artifacts", "bench")));
