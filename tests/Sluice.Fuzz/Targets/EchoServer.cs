using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Sluice.AspNetCore;
using Sluice.Fuzz.Engine;

namespace Sluice.Fuzz.Targets;

/// <summary>A real Kestrel on a free port of the loopback that echoes, and keeps what it logs as errors.</summary>
internal sealed class EchoServer : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly WebApplication _app;
    private bool _disposed;

    public EchoServer()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Logging.AddProvider(this);
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, static listen => listen.UseHalfClose()));
        _app = builder.Build();
        _app.MapWebSocket("/echo", static async socket =>
        {
            await foreach (var message in socket.ReadAllAsync()) await socket.SendAsync(message);
        });
        _app.StartAsync().GetAwaiter().GetResult();
        Port = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;
    }

    public int Port { get; }

    public void ThrowIfLogged()
    {
        if (_errors.TryDequeue(out var error)) throw new FuzzFailure("no error is logged", error);
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _app.StopAsync().GetAwaiter().GetResult();
        _app.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel)) _errors.Enqueue($"{eventId.Name}: {formatter(state, exception)} {exception}");
    }
}
