using System.Net;
using System.Net.Http.Headers;

namespace Sluice.Browser;

public class DeliveryTests(PageServer server)
{
    [Theory]
    [InlineData("/", "text/html; charset=utf-8")]
    [InlineData("/page.css", "text/css; charset=utf-8")]
    [InlineData("/page.js", "text/javascript; charset=utf-8")]
    [InlineData("/page-log.js", "text/javascript; charset=utf-8")]
    public async Task A_file_comes_with_its_type_and_the_headers_that_fence_it_in(string path, string contentType)
    {
        using var client = new HttpClient { BaseAddress = server.Url };
        using var response = await client.GetAsync(path, TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.OK);
        response.Content.Headers.ContentType!.ToString().ShouldBe(contentType);
        response.Headers.GetValues("X-Content-Type-Options").ShouldBe(["nosniff"]);
        response.Headers.GetValues("Referrer-Policy").ShouldBe(["no-referrer"]);
        response.Headers.GetValues("Content-Security-Policy").ShouldBe(
        [
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; " +
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ]);
    }

    [Fact]
    public async Task A_known_entity_tag_is_answered_304_without_a_body()
    {
        using var client = new HttpClient { BaseAddress = server.Url };
        using var first = await client.GetAsync("/page.js", TestContext.Current.CancellationToken);
        var tag = first.Headers.ETag.ShouldNotBeNull();

        using var known = await GetAsync(client, tag);
        known.StatusCode.ShouldBe(HttpStatusCode.NotModified);
        known.Headers.ETag.ShouldBe(tag);
        (await known.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();

        using var unknown = await GetAsync(client, new EntityTagHeaderValue("\"another\""));
        unknown.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Head_tells_the_length_and_sends_nothing()
    {
        using var client = new HttpClient { BaseAddress = server.Url };
        var page = await client.GetByteArrayAsync("/", TestContext.Current.CancellationToken);
        using var head = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, "/"), TestContext.Current.CancellationToken);

        head.StatusCode.ShouldBe(HttpStatusCode.OK);
        head.Content.Headers.ContentLength.ShouldBe(page.Length);
        (await head.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Other_methods_are_refused()
    {
        using var client = new HttpClient { BaseAddress = server.Url };
        using var response = await client.PostAsync("/", new StringContent("x"), TestContext.Current.CancellationToken);

        response.StatusCode.ShouldBe(HttpStatusCode.MethodNotAllowed);
    }

    private static async Task<HttpResponseMessage> GetAsync(HttpClient client, EntityTagHeaderValue tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/page.js");
        request.Headers.IfNoneMatch.Add(tag);
        return await client.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
