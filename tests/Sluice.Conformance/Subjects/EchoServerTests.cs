using System.Runtime.InteropServices;

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
}
