using System.Net;

namespace Sluice.Tests.Client;

/// <summary>The lines before hosts with which a handshake is under way (RFC 6455 §4.1).</summary>
public sealed class ConnectingHostsTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(30);

    private readonly ConnectingHosts _hosts = new();

    [Fact]
    public async Task A_host_is_forgotten_when_nobody_is_with_it()
    {
        for (var i = 0; i < 100; i++) (await EnterAsync($"{i}.test")).Dispose();
        _hosts.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Who_leaves_twice_leaves_once()
    {
        var first = await EnterAsync("a.test");
        first.Dispose();
        var second = await EnterAsync("a.test");
        first.Dispose();
        _hosts.Count.ShouldBe(1, "the second is still there");
        second.Dispose();
    }

    [Fact]
    public async Task First_come_first_served_and_who_gives_up_is_passed_over()
    {
        using var cancel = new CancellationTokenSource();
        var turn = await EnterAsync("a.test");
        var second = EnterAsync("a.test", cancel.Token);
        var third = EnterAsync("a.test");
        var fourth = EnterAsync("a.test");
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(second.WaitAsync(Guard));
        third.IsCompleted.ShouldBeFalse();
        turn.Dispose();
        turn = await third.WaitAsync(Guard);
        fourth.IsCompleted.ShouldBeFalse();
        turn.Dispose();
        (await fourth.WaitAsync(Guard)).Dispose();
        _hosts.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Those_with_addresses_in_common_never_wait_for_each_other()
    {
        string[][] sets = [["a", "b", "c"], ["c", "b", "a"], ["b", "c"], ["c", "a"], ["b", "a", "b"]];
        var inside = new int[3];
        async Task GoAsync(int number)
        {
            for (var i = 0; i < 200; i++)
            {
                var set = sets[(number + i) % sets.Length];
                using var turn = await EnterAsync(set);
                foreach (var name in set.Distinct()) Interlocked.Increment(ref inside[name[0] - 'a']).ShouldBe(1);
                await Task.Yield();
                foreach (var name in set.Distinct()) Interlocked.Decrement(ref inside[name[0] - 'a']);
            }
        }
        await Task.WhenAll(Enumerable.Range(0, 8).Select(number => Task.Run(() => GoAsync(number)))).WaitAsync(Guard);
        _hosts.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Who_gives_up_at_the_second_address_gives_the_first_back()
    {
        using var cancel = new CancellationTokenSource();
        using var turn = await EnterAsync("b");
        var waiting = EnterAsync(["a", "b"], cancel.Token);
        _hosts.Count.ShouldBe(2);
        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(waiting.WaitAsync(Guard));
        (await EnterAsync("a").WaitAsync(Guard)).Dispose();
        _hosts.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_turn_that_comes_with_the_cancellation_is_not_lost()
    {
        for (var i = 0; i < 200; i++)
        {
            using var cancel = new CancellationTokenSource();
            var turn = await EnterAsync("a.test");
            var waiting = EnterAsync("a.test", cancel.Token);
            var cancelling = Task.Run(cancel.Cancel, CancellationToken.None);
            turn.Dispose();
            await cancelling.WaitAsync(Guard);
            try
            {
                (await waiting.WaitAsync(Guard)).Dispose();
            }
            catch (OperationCanceledException)
            {
            }
            _hosts.Count.ShouldBe(0);
        }
    }

    [Theory]
    [InlineData("ws://EXAMPLE.test./a", "wss://example.test:80/b", true)]
    [InlineData("ws://example.test/", "wss://example.test/", false)]
    [InlineData("ws://bücher.test/", "ws://xn--bcher-kva.test/", true)]
    public void A_name_is_compared_without_case_scheme_and_path(string one, string other, bool same)
        => (RemoteHost.Of(new Uri(one)) == RemoteHost.Of(new Uri(other))).ShouldBe(same);

    [Fact]
    public void An_IPv4_address_in_IPv6_is_the_same_host()
        => RemoteHost.Of(IPAddress.Parse("::ffff:192.0.2.1"), 80).ShouldBe(RemoteHost.Of(IPAddress.Parse("192.0.2.1"), 80));

    private Task<IDisposable> EnterAsync(string name, CancellationToken cancellation = default) => EnterAsync([name], cancellation);

    private Task<IDisposable> EnterAsync(string[] names, CancellationToken cancellation = default)
        => _hosts.EnterAsync(names.Select(name => new RemoteHost(name, 80)), cancellation).AsTask();
}
