using System.Net;

namespace Sluice.Client.Tests;

/// <summary>Servers with several addresses (RFC 8305), and the time to connect to them.</summary>
public sealed class AddressTests : IDisposable
{
    private readonly RawServer _server = new();

    public void Dispose() => _server.Dispose();

    private string Url => $"ws://several.test:{_server.Port}/";

    [Fact]
    public async Task An_address_that_does_not_answer_delays_no_longer_than_told_and_its_socket_is_closed()
    {
        using var hole = await BlackHole.OpenAsync(_server.Port);
        var connecting = WebSocketClient.ConnectAsync(Url, Addresses(BlackHole.Address, IPAddress.Loopback) with
        {
            AddressDelay = TimeSpan.FromMilliseconds(10),
        });
        using var peer = await _server.OpenAsync();
        await using var connection = await connecting.Guarding();
        peer.Values("Host").ShouldBe([$"several.test:{_server.Port}"]);
        using var guard = new CancellationTokenSource(Guarded.Guard);
        while (hole.Waiting(_server.Port) > 0)
        {
            guard.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
        connection.Abort();
    }

    [Fact]
    public async Task After_an_address_that_refuses_the_next_is_tried_at_once()
    {
        var connecting = WebSocketClient.ConnectAsync(Url, Addresses(IPAddress.IPv6Loopback, IPAddress.Loopback) with
        {
            AddressDelay = TimeSpan.FromMinutes(1), // longer than the test's guard
        });
        using var peer = await _server.OpenAsync();
        (await connecting.Guarding()).Abort();
    }

    [Fact]
    public async Task An_IPv4_address_in_IPv6_s_clothes_is_reached()
    {
        var connecting = WebSocketClient.ConnectAsync(Url, Addresses(IPAddress.Loopback.MapToIPv6()));
        using var peer = await _server.OpenAsync();
        (await connecting.Guarding()).Abort();
        var literal = WebSocketClient.ConnectAsync($"ws://[::ffff:127.0.0.1]:{_server.Port}/");
        using var other = await _server.OpenAsync();
        (await literal.Guarding()).Abort();
    }

    [Fact]
    public async Task When_all_refuse_the_best_ones_answer_is_told()
    {
        _server.Dispose();
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(
            Url, Addresses(IPAddress.Loopback, IPAddress.Parse("127.0.0.3"))).Guarding());
        error.Failure.ShouldBe(ConnectFailure.ConnectionRefused);
    }

    [Fact]
    public async Task A_name_without_addresses_is_named()
    {
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(Url, Addresses()).Guarding());
        error.Failure.ShouldBe(ConnectFailure.NameNotResolved);
    }

    [Fact]
    public async Task Connecting_has_a_time_of_its_own()
    {
        using var hole = await BlackHole.OpenAsync(_server.Port);
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(Url, Addresses(BlackHole.Address) with
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(200),
            HandshakeTimeout = TimeSpan.FromMinutes(5),
        }).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Timeout);
        error.Message.ShouldContain("could not be connected to within 0.2 s");
        hole.Waiting(_server.Port).ShouldBe(0);
    }

    [Fact]
    public async Task A_resolver_that_never_answers_is_part_of_it()
    {
        var resolving = new TaskCompletionSource<IReadOnlyList<IPAddress>>();
        var error = await Should.ThrowAsync<HandshakeException>(WebSocketClient.ConnectAsync(Url, new()
        {
            Resolver = (_, cancellation) => resolving.Task.WaitAsync(cancellation),
            ConnectTimeout = TimeSpan.FromMilliseconds(200),
        }).Guarding());
        error.Failure.ShouldBe(ConnectFailure.Timeout);
    }

    [Fact]
    public async Task A_caller_who_gives_up_leaves_no_address_behind()
    {
        using var hole = await BlackHole.OpenAsync(_server.Port);
        using var cancel = new CancellationTokenSource();
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var connecting = WebSocketClient.ConnectAsync(Url, new()
        {
            Resolver = (_, _) =>
            {
                asked.SetResult();
                return Task.FromResult<IReadOnlyList<IPAddress>>([BlackHole.Address]);
            },
        }, cancel.Token);
        await asked.Task.Guarding();
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(connecting.Guarding());
        using var guard = new CancellationTokenSource(Guarded.Guard);
        while (hole.Waiting(_server.Port) > 0)
        {
            guard.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private static WebSocketClientOptions Addresses(params IPAddress[] addresses) => new()
    {
        Resolver = (host, _) =>
        {
            host.ShouldBe("several.test");
            return Task.FromResult<IReadOnlyList<IPAddress>>(addresses);
        },
    };
}
