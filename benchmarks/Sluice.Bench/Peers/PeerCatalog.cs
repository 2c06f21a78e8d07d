using Sluice.Bench.Processes;

namespace Sluice.Bench.Peers;

/// <summary>Every server that is measured, in the order of the tables. A new one is a few lines here.</summary>
internal static class PeerCatalog
{
    private static readonly TimeSpan Compiling = TimeSpan.FromSeconds(3);
    private static readonly Dictionary<string, string> OneCore = new(StringComparer.Ordinal) { ["GOMAXPROCS"] = "1" };
    private static readonly Dictionary<string, string> Inline = new(StringComparer.Ordinal) { ["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1" };
    private static readonly string SluiceProgram = RepositoryPaths.In("src", "Sluice.Cli", "bin", "Release", "net10.0", "Sluice.Cli.dll");
    private static readonly string AspNetCoreProgram = RepositoryPaths.Built("aspnetcore", "Sluice.Bench.AspNetCore.dll");

    public static IReadOnlyList<Peer> Servers { get; } =
    [
        new("floor", "bare TCP, C epoll", Features.Echo | Features.Rooms | Features.Idle, _ => new([RepositoryPaths.Built("floor")])) { IsFloor = true },
        new("floor-dotnet", "bare TCP, C# sockets", Features.Echo, _ => new(["dotnet", RepositoryPaths.Built("floor-dotnet", "Sluice.Bench.Floor.dll")]) { Environment = Inline })
        {
            IsFloor = true,
            Warm = Compiling,
        },
        new("sluice", "sluice serve", Features.All, Serve) { IsOurs = true, Warm = Compiling },
        // An unchanged ASP.NET Core app on this project's transport.
        new("aspnetcore-epoll", "ASP.NET Core on UseEpollTransport", Features.All, context => new([.. AspNetCore(context).Words, "--transport", "epoll"]))
        {
            Warm = Compiling,
        },
        new("aspnetcore", "ASP.NET Core", Features.All, AspNetCore) { Warm = Compiling },
        new("gorilla", "gorilla", Features.All, Go("gorilla", "--compress")),
        new("nhooyr", "nhooyr", Features.All, Go("nhooyr", "--compress")),
        new("xnet", "x/net", Features.All & ~Features.Compression, Go("xnet", null)) { Without = "x/net has no permessage-deflate" },
        new("node-ws", "Node ws", Features.All, NodeWs) { Warm = TimeSpan.FromMilliseconds(1500) },
        new("python-websockets", "python-websockets", Features.All, PythonWebSockets),
    ];

    public static IReadOnlyList<Peer> Proxies { get; } =
    [
        new("sluice-proxy", "sluice proxy", Features.Proxy, SluiceProxy) { IsOurs = true, Warm = Compiling },
        new("nginx", "nginx", Features.Proxy, ProxyConfigurations.Nginx),
        new("haproxy", "HAProxy", Features.Proxy, ProxyConfigurations.HAProxy),
        new("reverseproxy", "Go ReverseProxy", Features.Proxy,
            context => new([RepositoryPaths.Built("reverseproxy"), "--to", $"http://127.0.0.1:{context.Backend}"]) { Environment = OneCore }),
    ];

    /// <summary>What stands behind each proxy.</summary>
    public static Peer Backend => Servers.First(peer => peer.IsOurs);

    private static ServerCommand Serve(StartContext context) => new(
    [
        "dotnet", SluiceProgram, "serve",
        .. context.Variant == Variant.Tls
            ? ["--listen", "https://127.0.0.1:0", "--cert", context.Certificate.CertificateFile, "--key", context.Certificate.KeyFile]
            : (string[])["--listen", "http://127.0.0.1:0"],
        .. context.Variant == Variant.Compressed ? (string[])["--compress"] : [],
    ]);

    private static ServerCommand SluiceProxy(StartContext context) =>
        new(["dotnet", SluiceProgram, "proxy", "--listen", "http://127.0.0.1:0", "--to", $"http://127.0.0.1:{context.Backend}"]);

    private static ServerCommand AspNetCore(StartContext context) => new(
        ["dotnet", AspNetCoreProgram, .. Tls(context), .. context.Variant == Variant.Compressed ? (string[])["--compress", "true"] : []]);

    private static Func<StartContext, ServerCommand> Go(string name, string? compress) => context => new(
        [RepositoryPaths.Built(name), .. Tls(context), .. context.Variant == Variant.Compressed && compress is not null ? (string[])[compress] : []])
    {
        Environment = OneCore,
    };

    private static ServerCommand NodeWs(StartContext context) => new(
        ["node", RepositoryPaths.In("benchmarks", "peers", "node-ws", "main.js"), .. Tls(context), .. Compress(context)]);

    // Debian's package belongs to Debian's python; another one may come first on PATH.
    private static ServerCommand PythonWebSockets(StartContext context) => new(
        ["/usr/bin/python3", "-B", RepositoryPaths.In("benchmarks", "peers", "python-websockets", "main.py"), .. Tls(context), .. Compress(context)]);

    private static string[] Compress(StartContext context) => context.Variant == Variant.Compressed ? ["--compress"] : [];

    private static string[] Tls(StartContext context) => context.Variant == Variant.Tls
        ? ["--cert", context.Certificate.CertificateFile, "--key", context.Certificate.KeyFile]
        : [];
}
