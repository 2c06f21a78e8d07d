using System.Runtime.InteropServices;
using Sluice.Conformance.Wire;

namespace Sluice.Conformance.Subjects;

/// <summary>The servers are what they say they are.</summary>
public class EchoServerTests
{
    [Fact]
    public async Task One_server_runs_on_the_epoll_transport_where_that_is_supported()
    {
        using var http = new HttpClient();
        var isSupported = OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.Arm64;
        (await http.GetStringAsync(new Uri($"http://127.0.0.1:{EchoServer.EpollPort}/transport"))).ShouldBe(isSupported ? "epoll" : "Kestrel's");
        (await http.GetStringAsync(new Uri($"http://127.0.0.1:{EchoServer.Port}/transport"))).ShouldBe("Kestrel's");
    }

    [Theory]
    [InlineData("")]
    [InlineData("/deflate")]
    public async Task Handshakes_are_answered_before_HTTP_begins_at_the_ports_that_say_so(string prefix)
    {
        foreach (var limits in Limits.All)
        {
            foreach (var port in EchoServer.Ports)
            {
                using var peer = await EchoServer.DialAsync(port);
                await peer.SendAsync(Http.Request($"{prefix}{limits.Path}/echo"));
                var head = await peer.ReadHeadAsync();
                Http.Status(head).ShouldBe(101, head);
                (Http.Value(head, EchoServer.SeenByHttp) is not null).ShouldBe(port == EchoServer.Port, head);
            }
        }
    }
}
